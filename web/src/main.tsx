document.getElementById('root')!.textContent = 'Tarn'
